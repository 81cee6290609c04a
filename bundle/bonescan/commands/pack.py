"""The commands that make a bundle of MONAI's model zoo of a trained system, and unpack one."""

import argparse
from pathlib import Path

from bonescan.commands.command import Command, add_output
from bonescan.commands.workflow import add_trust, run_folder


def add_pack_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `pack`."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of its training")
    add_output(parser)
    parser.add_argument("--name", required=True, help="small letters, digits and underscores")
    parser.add_argument("--version", required=True, metavar="X.Y.Z", help="of the bundle")
    parser.add_argument(
        "--data-license",
        type=Path,
        metavar="FILE",
        help="text on the data that it was trained on; not needed where the run tells "
        "that all of them are simulated",
    )
    parser.add_argument(
        "--torchscript", action="store_true", help="add models/model.ts, which differs every time"
    )
    parser.add_argument(
        "--onnx", action="store_true", help="add models/model.onnx, which needs the extra onnx"
    )
    add_trust(parser)


def pack(chosen: argparse.Namespace) -> int:
    """Pack."""
    from bonescan.zoo.pack import pack as pack_run

    packed = pack_run(
        chosen.run,
        chosen.output,
        name=chosen.name,
        version=chosen.version,
        data_license=chosen.data_license,
        torchscript=chosen.torchscript,
        onnx=chosen.onnx,
        trust=chosen.trust,
    )
    print(f"{packed.bundle}; {packed.archive}, SHA-256 {packed.sha256}")
    return 0


def add_unpack_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `unpack`."""
    parser.add_argument("archive", type=Path, metavar="ZIP", help="bundle as a zip file")
    add_output(parser)
    parser.add_argument("--sha256", metavar="HASH", help="that the file must have")


def unpack(chosen: argparse.Namespace) -> int:
    """Unpack."""
    from bonescan.zoo.archive import read_archive

    print(read_archive(chosen.archive, chosen.output, sha256=chosen.sha256))
    return 0


COMMAND = Command(
    name="pack",
    about="Pack a trained system as a bundle of MONAI's model zoo, which runs alone.",
    example="bonescan pack runs/unet_res -o zoo --name bone_scan_unet_res --version 1.0.0",
    add_arguments=add_pack_arguments,
    run=pack,
)

UNPACK = Command(
    name="unpack",
    about="Unpack a bundle, and refuse one that is unsafe to unpack.",
    example="bonescan unpack zoo/bone_scan_unet_res_v1.0.0.zip -o bundles",
    add_arguments=add_unpack_arguments,
    run=unpack,
    notes="A bundle's configurations are code: run one only if you trust its maker.",
)
