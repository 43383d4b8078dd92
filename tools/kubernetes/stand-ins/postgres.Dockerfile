# Stands in for postgres where no registry can be reached: the base's own image of PostgreSQL, with the user that the real one has.
ARG BASE
FROM ${BASE}
RUN if [ "$(id -u postgres)" != 999 ]; then groupmod -g 999 postgres && usermod -u 999 -g 999 postgres; fi
