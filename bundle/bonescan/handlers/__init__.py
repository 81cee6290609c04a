"""Ignite handlers: what hangs on the events of a training, an evaluation or an inference."""
