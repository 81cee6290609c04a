"""An environment with programs that are called as nnU-Net's are, and do next to nothing."""

import sys
from pathlib import Path

VERSION = "2.8.9"
BATCH_SIZE = 2
PROGRAMS = {
    "python": f"print({VERSION!r})",
    "nnUNetv2_plan_and_preprocess": f"""
import json, os
from pathlib import Path
folder = Path(os.environ["nnUNet_preprocessed"]) / "Dataset901_Bonescan"
folder.mkdir(parents=True)
plan = {{"batch_size": {BATCH_SIZE}, "patch_size": [64, 48], "spacing": [1, 1]}}
(folder / "nnUNetPlans.json").write_text(json.dumps({{"configurations": {{"2d": plan}}}}))
""",
    # Its first training stops after one epoch, which leaves a state to go on from.
    "nnUNetv2_train": """
import os, re, sys
from pathlib import Path
trainer = sys.argv[sys.argv.index("-tr") + 1]
source = (Path(os.environ["nnUNet_extTrainer"]) / f"{trainer}.py").read_text()
epochs = int(re.search(r"num_epochs = (\\d+)", source)[1])
steps = int(re.search(r"num_iterations_per_epoch = (\\d+)", source)[1])
run = Path(os.environ["nnUNet_results"]) / "Dataset901_Bonescan"
run = run / f"{trainer}__nnUNetPlans__2d" / "fold_0"
state = run / "checkpoint_latest.pth"
assert state.exists() == ("--c" in sys.argv), "goes on where there is a state"
print("bonescan: parameters=1234567")
for epoch in range(1 if state.exists() else 0, epochs):
    cost = f"processor_seconds={steps * 0.5} seconds={steps} memory_mb=900"
    print(f"bonescan: epoch={epoch + 1} {cost}")
    if "images" in trainer and not state.exists():
        run.mkdir(parents=True)
        state.touch()
        sys.exit("one or more background workers are no longer alive")
""",
    # The truth, and without mirroring the truth one row lower.
    "nnUNetv2_predict": """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
options = dict(zip(sys.argv[1:], sys.argv[2:]))
output = Path(options["-o"])
output.mkdir(parents=True)
print("perform_everything_on_device=True is only supported for cuda devices!")
for path in sorted(Path(options["-i"]).iterdir()):
    print("perform_everything_on_device: False")
    name = path.name.removesuffix("_0000.tif")
    with Image.open(path.parents[1] / "labelsTs" / f"{name}.tif") as image:
        label = np.array(image)
    label = np.roll(label, "--disable_tta" in sys.argv, axis=0)
    probs = np.stack([np.where(label == value, 0.8, 0.1) for value in range(3)])
    np.savez_compressed(output / f"{name}.npz", probabilities=probs[:, None])
    Image.fromarray(label).save(output / f"{name}.tif")
""",
}


def install(folder: Path, **programs: str) -> Path:
    """Write the programs, some of them in place of those above; return the Python."""
    folder.mkdir()
    for name, source in {**PROGRAMS, **programs}.items():
        path = folder / name
        path.write_text(f"#!{sys.executable}\n{source}")
        path.chmod(0o755)
    return folder / "python"
