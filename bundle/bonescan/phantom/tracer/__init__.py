"""Where the tracer is: normal uptake, benign findings, artefacts and metastases."""
