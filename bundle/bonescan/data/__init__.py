"""From files to samples: the MONAI reader, NIfTI view stacks, LabelMe, datalists."""
