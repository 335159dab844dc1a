# The operator's image: `docker build -t navixy-operator:0.1.0 .` (or buildah, podman). Every package is pinned by hash.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
SHELL ["/bin/bash", "-eu", "-o", "pipefail", "-c"]
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/ requirements/
RUN python -m venv /opt/navixy-operator \
    && /opt/navixy-operator/bin/pip install --require-hashes --no-deps -r requirements/runtime.txt
# The build backend, with its hashes from the development requirements; the rest of those is not needed here.
RUN awk '/^[^ ]/ { keep = /^(hatchling|packaging|pathspec|pluggy|trove-classifiers)==/ } keep' requirements/dev.txt \
        > requirements/build.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --no-deps -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator/ operator/
COPY crds/ crds/
COPY manifests/ manifests/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/navixy-operator/bin/pip install --no-deps --no-index dist/*.whl \
    && /opt/navixy-operator/bin/pip uninstall --yes pip

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="navixy-operator" \
      org.opencontainers.image.description="Keeps Navixy data forwarding connections in step with the customer database" \
      org.opencontainers.image.licenses="Apache-2.0"
# By number for runAsNonRoot, with a passwd entry because kopf asks for the user's name.
RUN groupadd --gid 65532 navixy \
    && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin navixy \
    && install --directory --owner=65532 --group=65532 --mode=0700 /var/lib/navixy-operator
COPY --from=build /opt/navixy-operator /opt/navixy-operator
ENV PATH=/opt/navixy-operator/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIRECTORY=/var/lib/navixy-operator
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
ENTRYPOINT ["navixy-operator"]
CMD ["run"]
