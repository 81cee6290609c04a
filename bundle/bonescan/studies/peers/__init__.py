"""Other people's systems, trained and scored beside ours on the same patients: nnU-Net v2."""
