# Node runs the TypeScript sources as they are, so there is no build stage: dependencies, then sources.
FROM node:24-slim

ENV NODE_ENV=production
WORKDIR /app

# Of the optional packages koffi is wanted, and PostgreSQL for a container that is alone; Node is there already.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-* && npm cache clean --force

COPY proto ./proto
COPY prisma/migrations ./prisma/migrations
COPY generated ./generated
COPY src ./src
COPY bin ./bin

# `docker exec kodama kodama listeners`: the command finds the server and its token as they are in here.
RUN ln -s /app/bin/kodama.js /usr/local/bin/kodama

# The data directory keeps the embedded PostgreSQL and the id of this node across restarts.
RUN install --directory --owner=node --group=node /var/lib/kodama
ENV KODAMA_DATA_DIR=/var/lib/kodama
VOLUME /var/lib/kodama
USER node

# A container's loopback is reached by nobody: both edges and the listeners are on all addresses, behind a token, and port 0
# of a listener is one of the range that is published.
ENV KODAMA_HTTP_HOST=0.0.0.0 KODAMA_GRPC_HOST=0.0.0.0
ENV KODAMA_LISTEN_HOST=0.0.0.0 KODAMA_LISTEN_PORTS=20000-20099

# REST, gRPC, listeners.
EXPOSE 8080 50051 20000-20099/tcp 20000-20099/udp

# The certificate of TLS is for kodama's own name, not for loopback.
HEALTHCHECK --interval=10s --timeout=10s --start-period=15s --retries=3 \
  CMD ["node", "--eval", "const { KODAMA_TLS_CERT: tls, KODAMA_HTTP_PORT: port = 8080 } = process.env; require(tls ? 'https' : 'http').get({ host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]

CMD ["node", "src/main.ts"]
