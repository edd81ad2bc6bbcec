# syntax=docker/dockerfile:1
# The same setup as `npm start` does, then only what runs.
FROM node:22-bookworm-slim AS build
WORKDIR /app
# Packages and the mediasoup worker first: they change rarely.
COPY package.json package-lock.json .npmrc ./
COPY scripts/setup.mjs scripts/
COPY native native
RUN node --input-type=module -e 'import { setup } from "./scripts/setup.mjs"; await setup({ web: false })'
COPY . .
RUN node --input-type=module -e 'import { setup } from "./scripts/setup.mjs"; await setup()' \
 && mv .cache/mediasoup-worker-*/mediasoup-worker /usr/local/bin/ \
 && npm prune --omit=dev --ignore-scripts \
 # The image brings its own Node 22.
 && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM node:22-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates espeak-ng libuv1 libssl3 libsrtp2-1 libstdc++6 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /usr/local/bin/mediasoup-worker /usr/local/bin/
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/migrations migrations
COPY --from=build /app/models models
COPY --from=build /app/workers workers
COPY --from=build /app/client client
COPY --from=build /app/cli cli
COPY --from=build /app/src src
COPY --from=build /app/web/dist web/dist
RUN mkdir /data && chown node:node /data
ENV NODE_ENV=production DATA_DIR=/data MEDIASOUP_WORKER_BIN=/usr/local/bin/mediasoup-worker
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
