/** The routes of the API, each that of an operation. */
import { auditRoutes } from './audit-routes.ts';
import { connectionRoutes } from './connection-routes.ts';
import type { Edge, HttpApp } from './edge.ts';
import { eventRoutes } from './event-routes.ts';
import { faultRoutes } from './fault-routes.ts';
import { joinTokenRoutes } from './join-token-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { listenerRoutes } from './listener-routes.ts';
import { nodeRoutes } from './node-routes.ts';
import { projectRoutes } from './project-routes.ts';
import { statusRoutes } from './status-routes.ts';

/** In the order in which the API page has them. */
export function apiRoutes(app: HttpApp, edge: Edge): void {
  listenerRoutes(app, edge);
  faultRoutes(app, edge);
  connectionRoutes(app, edge);
  eventRoutes(app, edge);
  projectRoutes(app, edge);
  keyRoutes(app, edge);
  auditRoutes(app, edge);
  nodeRoutes(app, edge);
  joinTokenRoutes(app, edge);
  statusRoutes(app, edge);
}
