# The program in one image: everything it needs to run is inside the binary, but for the system's certificates.
#
#   docker build --tag quire .

FROM rust:1.95-bookworm AS build
WORKDIR /quire
COPY . .
RUN make bundle-release release

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /var/lib/quire --create-home quire
COPY --from=build /quire/target/release/quire /usr/local/bin/quire
USER quire
WORKDIR /var/lib/quire
ENV QUIRE_LISTEN=0.0.0.0:8080 QUIRE_DATA_DIR=/var/lib/quire
VOLUME /var/lib/quire
EXPOSE 8080
ENTRYPOINT ["quire"]
CMD ["serve"]
