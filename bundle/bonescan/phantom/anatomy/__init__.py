"""The body: a person's size and posture, bones, soft tissue, and their voxels."""
