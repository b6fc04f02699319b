# base: what all stages share; build: the dependencies; development; production.
# docker build --target production -t my-app .

FROM python:3.13-slim AS base
ENV HOST=0.0.0.0 \
    PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
# The same number on every machine, so that volumes and policies can name it.
RUN groupadd --gid 10001 app && useradd --uid 10001 --gid app --create-home app
WORKDIR /app
EXPOSE 5001
# What `run` drains on: it stops taking requests, finishes those it has, and ends.
STOPSIGNAL SIGTERM

# Only the pinned files come in here, so that a change of the code installs nothing anew.
FROM base AS build
# "tracing" adds what sends traces (docs/observability.md).
ARG REQUIREMENTS=app
RUN python -m venv --without-pip /venv
COPY requirements/${REQUIREMENTS}.txt requirements/
RUN pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-deps --require-hashes -r requirements/${REQUIREMENTS}.txt \
    && pip --python /venv/bin/python check

FROM build AS build-development
COPY requirements/dev.txt requirements/
RUN pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-deps --require-hashes -r requirements/dev.txt \
    && pip --python /venv/bin/python check

FROM base AS development
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git vim \
    && rm -rf /var/lib/apt/lists/* \
    # The first account of most machines; the mounted code is its.
    && groupmod --gid 1000 app && usermod --uid 1000 app
COPY --from=build-development /venv /venv
COPY --chown=app:app . .
RUN chown app:app /app
USER app
CMD ["python", "manage.py", "run", "--reload"]

FROM base AS production
LABEL org.opencontainers.image.title="my-app" \
      org.opencontainers.image.licenses="MIT"
# Nothing is written but to volumes; bytecode was made when the packages were installed.
ENV PYTHONDONTWRITEBYTECODE=1 \
    ENV_FOR_DYNACONF=production
COPY --from=build /venv /venv
COPY manage.py pyproject.toml settings.toml ./
COPY migrations migrations
COPY quart_chassis quart_chassis
COPY my_app my_app
USER app
# A 503 raises, so a server that drains or has no database is unhealthy.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\") or 5001}/readyz', timeout=2)"]
CMD ["python", "manage.py", "run"]
