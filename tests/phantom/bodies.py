"""A small body of a few blocks, worked out by hand, for tests of what looks at bodies."""

import numpy as np
from numpy.typing import NDArray

from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.anatomy.voxels import Body, Bone, CoarseVolume, VoxelBlock

SPACING_MM = (2.4, 5.0, 2.3)


def filled(shape: tuple[int, int, int], share: float = 1.0) -> NDArray[np.float32]:
    return np.full(shape, share, np.float32)


def block_body(rows: int = 200, depths: int = 40, columns: int = 96) -> Body:
    """A slab of soft tissue with air around it, a spine behind, a breastbone before, two ribs."""
    outline = np.zeros((rows // 2, depths, columns // 2), np.float32)
    outline[10 : rows // 2 - 10, 2 : depths - 2, 10 : columns // 2 - 10] = 1
    spine = {
        f"{letter}{number}": VoxelBlock((row, depths - 14, 42), filled((8, 6, 12)))
        for row, (letter, number) in zip(
            range(30, 150, 10),
            [("c", 4), *(("t", i) for i in range(3, 10)), *(("l", i) for i in range(1, 5))],
            strict=True,
        )
    }
    bones = {
        f"vertebra_{name}": Bone(f"vertebra_{name}", name, block) for name, block in spine.items()
    }
    bones["sternum"] = Bone("sternum", "sternum", VoxelBlock((50, 4, 45), filled((30, 3, 6))))
    for side, column in (("right", 22), ("left", 60)):
        name = f"rib_05_{side}"
        bones[name] = Bone(name, f"ribs_{side}", VoxelBlock((70, 8, column), filled((5, 3, 14))))
        femur = f"femur_{side}"
        bones[femur] = Bone(femur, femur, VoxelBlock((152, 15, column), filled((26, 5, 8))))
    organs = {
        "lung_right": VoxelBlock((50, 8, 24), filled((40, 16, 14))),
        "lung_left": VoxelBlock((50, 8, 58), filled((40, 16, 14))),
        "kidney_left": VoxelBlock((110, 24, 58), filled((16, 6, 8))),
        "bladder": VoxelBlock((150, 6, 40), filled((14, 6, 16))),
    }
    points = {
        "c4_centre": (34.0, 29.0, 48.0),
        "l3_centre": (133.0, 29.0, 48.0),
        "sternoclavicular_left": (51.0, 5.0, 49.0),
        "hip_left": (154.0, 17.0, 64.0),
    }
    for side, column in (("right", 30.0), ("left", 66.0)):
        points |= {f"hip_{side}": (154.0, 17.0, column), f"knee_{side}": (174.0, 17.0, column)}
    return Body(
        person=draw_person(np.random.default_rng(3)),
        shape=(rows, depths, columns),
        spacing_mm=SPACING_MM,
        outline=CoarseVolume(outline),
        fat=CoarseVolume(np.zeros_like(outline)),
        bones=bones,
        organs=organs,
        points=points,
    )
