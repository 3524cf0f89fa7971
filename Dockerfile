# The one image of geodata-flows: it runs the flows, the Kubernetes worker, the Prefect server of a laptop and the set-up.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag geodata-flows:"$(git rev-parse --short HEAD)" .
#
# Behind a proxy or with a private package index the build takes, and the image keeps nothing of:
#   --secret id=certificates,src=FILE   certificate authorities (PEM) the index is trusted by
#   --secret id=index,src=FILE          a file with the address of the package index, in place of PyPI's
#   --secret id=npm,src=FILE            a file with the address of the npm registry, in place of the public one
#   --build-arg HTTPS_PROXY=...         Docker's own variables for proxies
#
# The base is named by its digest too: the same bytes at every build. `make pin-base` writes it here.
ARG BASE_IMAGE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

FROM ${BASE_IMAGE} AS builder
ARG UV_VERSION=0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_CACHE_DIR=/cache/uv \
    PIP_CACHE_DIR=/cache/pip \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never

# Only what the index needs to be told is here, so that a change of the code does not install the libraries again.
WORKDIR /app
COPY pyproject.toml requirements.lock ./
COPY deployments/web_assets.py deployments/
RUN touch README.md && mkdir flows tasks && touch flows/__init__.py tasks/__init__.py

# The lock holds the tools of development too: it only constrains versions and hashes, pyproject.toml says what is installed.
RUN --mount=type=secret,id=certificates \
    --mount=type=secret,id=index \
    --mount=type=secret,id=npm \
    --mount=type=cache,target=/cache \
    set -eu; \
    if [ -s /run/secrets/certificates ]; then export SSL_CERT_FILE=/run/secrets/certificates PIP_CERT=/run/secrets/certificates NODE_EXTRA_CA_CERTS=/run/secrets/certificates; fi; \
    if [ -s /run/secrets/index ]; then UV_DEFAULT_INDEX="$(cat /run/secrets/index)"; export UV_DEFAULT_INDEX PIP_INDEX_URL="$UV_DEFAULT_INDEX"; fi; \
    if [ -s /run/secrets/npm ]; then NPM_CONFIG_REGISTRY="$(cat /run/secrets/npm)"; export NPM_CONFIG_REGISTRY; fi; \
    python3 -m venv /opt/build; \
    /opt/build/bin/pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"; \
    python3 -m venv --without-pip /opt/geodata; \
    export VIRTUAL_ENV=/opt/geodata; \
    /opt/build/bin/uv pip install --quiet --only-binary :all: --require-hashes --constraints requirements.lock -r pyproject.toml --extra worker; \
    /opt/build/bin/uv pip install --quiet --no-deps --build-constraints requirements.lock --editable .; \
    PATH="/opt/build/bin:$PATH" NPM_CONFIG_CACHE=/cache/npm /opt/geodata/bin/python deployments/web_assets.py; \
    rm -f /opt/geodata/.lock; \
    find /opt/geodata/lib -type d -name tests -prune -exec rm -rf {} +  # the libraries' own tests

# A pod cannot write bytecode, so it is made here; the files are readable by any account and writable by none but root.
COPY . .
RUN rm -rf README.md *.egg-info && chmod -R a+rX,go-w /app && python3 -m compileall -q flows tasks


FROM ${BASE_IMAGE}
COPY --from=builder /opt/geodata /opt/geodata
COPY --from=builder /app /app
# The only folder that is written to: a volume of its own in a pod, whatever account the pod runs as.
RUN install --directory --mode 1777 /scratch
ENV PATH=/opt/geodata/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/scratch \
    TMPDIR=/scratch \
    GEODATA_DATA=/scratch/data \
    PREFECT_HOME=/scratch/prefect \
    PREFECT_SERVER_UI_STATIC_DIRECTORY=/scratch/ui \
    PREFECT_SERVER_ANALYTICS_ENABLED=false
WORKDIR /app
USER 10001:0

# A library that lacks a system library fails here and not in a pod at night.
RUN --mount=type=tmpfs,target=/scratch python -c "import importlib, pkgutil, flows, tasks, prefect.server.api.server, prefect_kubernetes, s3fs; \
    [importlib.import_module(module.name) for top in (flows, tasks) for module in pkgutil.walk_packages(top.__path__, top.__name__ + '.')]"

ARG BASE_IMAGE
ARG REVISION=unknown
LABEL org.opencontainers.image.title="geodata-flows" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.description="Official geodata into PostGIS by Prefect flows: flows, worker, server and set-up" \
      org.opencontainers.image.revision="${REVISION}"
ENV GEODATA_REVISION=${REVISION}

# No entry point: what is asked for becomes the container's process (Kubernetes asks for `prefect flow-run execute`).
CMD ["prefect", "version"]
