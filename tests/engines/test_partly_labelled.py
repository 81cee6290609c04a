import torch

from bonescan.engines.partly_labelled import prepare_whole_batch


def test_loss_is_given_all_tensors_of_the_batch():
    batch = {
        "image": torch.rand(2, 1, 3, 4),
        "label": torch.ones(2, 1, 3, 4),
        "labelled": torch.tensor([True, False]),
        "name": ["a", "b"],
    }
    image, whole = prepare_whole_batch(batch, torch.device("cpu"), False)
    assert torch.equal(image, batch["image"])
    assert whole.keys() == {"image", "label", "labelled"}
    assert all(torch.equal(value, batch[key]) for key, value in whole.items())
