# Build with the full toolchain, run with what the server needs: no compiler, no embedded database, no root.
FROM node:24-bookworm-slim AS build
WORKDIR /comity
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
COPY test ./test
COPY bench ./bench
COPY tools ./tools
RUN npx tsc -p .

FROM node:24-bookworm-slim AS dependencies
WORKDIR /comity
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --omit=optional

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080
WORKDIR /comity
COPY --from=dependencies /comity/node_modules ./node_modules
COPY --from=build /comity/build/src ./build/src
COPY package.json openapi.yaml LICENSE ./
COPY schemas ./schemas
COPY migrations ./migrations
RUN ln -s /comity/build/src/main.js /usr/local/bin/comity && chmod 0755 /comity/build/src/main.js
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; fetch(`http${process.env.COMITY_TLS_CERT ? 's' : ''}://127.0.0.1:${process.env.PORT}/livez`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--max-semi-space-size=32", "build/src/main.js"]
CMD ["serve"]
