"""A network in the forms that run without Python, checked against the network itself."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from monai.data import save_net_with_metadata
from monai.networks import convert_to_torchscript
from torch import nn

from bonescan.zoo.network_format import example

ATOL, RTOL = 1e-4, 1e-4
"""How far an output may lie from PyTorch's own, of logits whose order of magnitude is 1: other
kernels add in another order. Ours."""
BATCH = 3
"""Of the images that an export is tried on; the network was exported with another."""


def script(network: nn.Module) -> torch.jit.ScriptModule:
    """Compile a network as MONAI's model zoo does when it checks a bundle.

    Raises:
        ValueError: if TorchScript cannot hold it; the message says why.
    """
    try:
        with _quiet():
            return convert_to_torchscript(network)
    except Exception as err:  # of any kind, by the network's code
        raise ValueError(
            "the network must be one that TorchScript can hold, or it cannot be shared in MONAI's "
            f"model zoo: {_first_line(err)}"
        ) from err


def write_torchscript(
    network: nn.Module, path: Path, *, metadata: Mapping[str, Any], config: Mapping[str, Any]
) -> None:
    """Write a network as TorchScript, with what MONAI's tools read beside it.

    Args:
        network: in evaluation mode, on the CPU.
        path: of the file.
        metadata: of the bundle.
        config: of the bundle's inference.

    Raises:
        ValueError: if TorchScript cannot hold the network, or gives other values.
    """
    with _quiet():
        save_net_with_metadata(
            script(network),
            str(path),
            include_config_vals=False,
            append_timestamp=False,
            meta_values=metadata,
            more_extra_files={"inference.json": json.dumps(config).encode()},
        )
        _compare(torch.jit.load(path), network, metadata, "TorchScript")


def write_onnx(network: nn.Module, path: Path, *, metadata: Mapping[str, Any]) -> None:
    """Write a network as ONNX, for any number of images at once.

    Args:
        network: in evaluation mode, on the CPU.
        path: of the file.
        metadata: of the bundle.

    Raises:
        ValueError: if the extra `onnx` is not installed, ONNX cannot hold the network, or ONNX
            Runtime gives other values.
    """
    try:
        import onnxruntime  # noqa: PLC0415 - an optional package
        import onnxscript  # noqa: F401, PLC0415
    except ImportError as err:
        raise ValueError(
            f"ONNX must have the package {err.name}, which is not installed: "
            "pip install 'bone-scan-bundle[onnx]'"
        ) from None
    try:
        with _quiet():
            torch.onnx.export(
                network,
                (_example(metadata).repeat(2, 1, 1, 1),),  # a batch of one would be taken as fixed
                path,
                input_names=["image"],
                output_names=["pred"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as err:  # of any kind, by the network's code
        raise ValueError(
            f"the network must be one that ONNX can hold, got {metadata['name']}: "
            f"{_first_line(err)}"
        ) from err
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(image: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(session.run(["pred"], {"image": image.numpy()})[0])

    _compare(run, network, metadata, "ONNX")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep PyTorch from telling how it exports, and that TorchScript is to go."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _compare(
    exported: Callable[[torch.Tensor], torch.Tensor],
    network: nn.Module,
    metadata: Mapping[str, Any],
    form: str,
) -> None:
    """See that an exported network gives what the network gives, of one image and of several.

    Raises:
        ValueError: if it does not.
    """
    image = _example(metadata)
    several = torch.cat([image.flip(-1) * (number + 1) / BATCH for number in range(BATCH)])
    for batch in (image, several):
        with torch.inference_mode():
            found, expected = exported(batch), network(batch)
        if found.shape != expected.shape or not torch.allclose(
            found, expected, atol=ATOL, rtol=RTOL
        ):
            raise ValueError(
                f"the network of {metadata['name']} must give the same values as {form}, got "
                f"others for {len(batch)} image(s)"
            )


def _example(metadata: Mapping[str, Any]) -> torch.Tensor:
    taken = metadata["network_data_format"]["inputs"]["image"]
    return example(taken["num_channels"], *taken["spatial_shape"])


def _first_line(err: BaseException) -> str:
    """Return what went wrong first, in one line."""
    if err.__cause__ is not None:
        return _first_line(err.__cause__)
    return next(iter(str(err).strip().splitlines()), type(err).__name__)
