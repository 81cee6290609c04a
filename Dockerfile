# syntax=docker/dockerfile:1
# The command `bonescan` in a container, with the versions of requirements.lock.
#   docker build -t bonescan .                          # CPU
#   docker build -t bonescan --build-arg DEVICE=cuda .  # NVIDIA GPUs
#   docker run --rm -v "$PWD:/work" bonescan infer runs/unet data/archive -o results
FROM python:3.11-slim-bookworm AS build
ARG DEVICE=cpu
WORKDIR /src
RUN python -m venv /opt/bonescan
COPY requirements.lock ./
# PyPI's torch brings CUDA; for the CPU, torch's own index has the same version without it.
RUN case "$DEVICE" in \
      cpu) index=https://download.pytorch.org/whl/cpu ;; \
      cuda) index=https://pypi.org/simple ;; \
      *) echo "DEVICE must be cpu or cuda, got $DEVICE" >&2; exit 1 ;; \
    esac \
    && grep -E '^(torch|torchvision)==' requirements.lock > torch.txt \
    && /opt/bonescan/bin/pip install --no-cache-dir --index-url "$index" \
       --extra-index-url https://pypi.org/simple -c requirements.lock -r torch.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY bundle bundle
COPY configs configs
RUN /opt/bonescan/bin/pip install --no-cache-dir -c requirements.lock '.[cluster]' \
    && /opt/bonescan/bin/pip check

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 1000 bonescan && install -d -o bonescan /work
COPY --from=build /opt/bonescan /opt/bonescan
# Waiting threads that spin would take the cores from whatever else runs.
ENV PATH=/opt/bonescan/bin:$PATH OMP_WAIT_POLICY=PASSIVE
USER 1000
WORKDIR /work
ENTRYPOINT ["bonescan"]
CMD ["--help"]
