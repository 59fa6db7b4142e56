# Node runs the TypeScript sources as they are, so there is no build stage: dependencies, then sources.
FROM node:24-slim

ENV NODE_ENV=production
WORKDIR /app

# The image brings Node, and the compose file brings PostgreSQL: the optional packages are for neither.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional && npm cache clean --force

COPY proto ./proto
COPY prisma/migrations ./prisma/migrations
COPY src ./src

# The data directory keeps the id of this node across restarts.
RUN install --directory --owner=node --group=node /var/lib/kodama
ENV KODAMA_DATA_DIR=/var/lib/kodama
VOLUME /var/lib/kodama
USER node

# REST, gRPC. Listeners open ports of their own: publish the range that they are to use.
EXPOSE 8080 50051

HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.KODAMA_HTTP_PORT ?? 8080}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

CMD ["node", "src/main.ts"]
