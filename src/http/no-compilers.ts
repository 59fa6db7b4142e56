/** In the place of fastify's own compilers of schemas: to load them would be a tenth of a start. */
export const compilersFactory = { buildValidator: unused, buildSerializer: unused };

function unused(): never {
  throw new TypeError('each route has the compilers of the app');
}
