"""Ignite handlers: what acts on the events of a training, an evaluation or an inference."""
