# The image has a Node of its own, so the runtime packages (optional dependencies) stay out. argon2 and better-sqlite3
# bring their binaries along: nothing is compiled.
FROM node:26-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund

FROM node:26-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=5000
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin/runtime bin/curfew ./bin/
COPY src ./src
COPY views ./views
COPY public ./public
RUN install -d -o node -g node -m 0700 data \
 && ln -s /app/bin/curfew /usr/local/bin/curfew

# Writes nowhere but to its data: runs with a read-only root file system.
USER node
VOLUME /app/data
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((res) => process.exit(res.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=4", "src/main.ts"]
