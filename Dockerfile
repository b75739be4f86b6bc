# A small image that runs as nobody and holds neither pip nor a compiler:
#   docker build -t sci-batch:0.1.0 .
#   docker run --rm sci-batch:0.1.0 compute --demo --since 4h -o table
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY ci/requirements.txt ci/requirements-build.txt ci/
# What changes seldom first. The pins are those of the tests, and every file is checked against its hash.
RUN python -m venv --without-pip /opt/sci-batch \
    && python -m pip --python /opt/sci-batch/bin/python install --require-hashes --only-binary :all: -r ci/requirements.txt \
    && python -m pip install --require-hashes --only-binary :all: -r ci/requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY sci_batch sci_batch
RUN python -m hatchling build -t wheel -d /src/dist \
    && python -m pip --python /opt/sci-batch/bin/python install --no-deps /src/dist/*.whl \
    && /opt/sci-batch/bin/sci-batch --version

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="sci-batch" \
      org.opencontainers.image.description="Kepler energy from Prometheus to an SCI score" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN python -m pip uninstall --yes --root-user-action ignore pip
COPY --from=build /opt/sci-batch /opt/sci-batch
ENV PATH=/opt/sci-batch/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
WORKDIR /tmp
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
ENTRYPOINT ["sci-batch"]
CMD ["--help"]
