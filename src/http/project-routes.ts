/** The routes of projects and their quotas. */
import { z } from 'zod';
import { pageFields } from '../api/queries.ts';
import type { Edge, HttpApp } from './edge.ts';
import { jsonOf } from './json-of.ts';
import { listParts } from './json-text.ts';
import { operationRoute } from './operation-route.ts';
import { answer, bodyMeta, nextPageToken, problemResponses } from './route-schemas.ts';
import { ownProjectResource, projectResource, quotaResource } from './tenancy-resources.ts';

const tags = ['Projects'];
const newExamples = [{ name: 'team-a', quotas: { listeners: 100 } }];
const patchExamples = [{ quotas: { listeners: 200 } }, { displayName: 'Team A' }];
const projectJson = jsonOf(projectResource);
const ownProjectJson = jsonOf(ownProjectResource);
const quotaJson = jsonOf(quotaResource);

export function projectRoutes(app: HttpApp, edge: Edge): void {
  ownRoutes(app, edge);
  operatorRoutes(app, edge);
  changeRoutes(app, edge);
}

function ownRoutes(app: HttpApp, edge: Edge): void {
  const { getOwnProject, listQuotas } = edge.api.operations;
  operationRoute(app, edge, {
    operation: getOwnProject,
    method: 'GET',
    url: '/v1/projects/self',
    docs: {
      summary: 'Get the own project',
      description: 'For any key: its project, its own hint, and what it may do.',
      tags,
      response: {
        200: answer('What the caller is.', ownProjectResource),
        ...problemResponses('not_found'),
      },
    },
    give: () => ({ at: {}, input: {} }),
    answer: ownProjectJson,
  });
  operationRoute(app, edge, {
    operation: listQuotas,
    method: 'GET',
    url: '/v1/quotas',
    docs: {
      summary: 'List the quotas of the own project',
      description: 'The limit of each, and what is used of it.',
      tags,
      response: {
        200: answer(
          'The quotas.',
          z.object({ quotas: z.array(quotaResource).describe('All there are.') }),
        ),
        ...problemResponses('not_found'),
      },
    },
    give: () => ({ at: {}, input: {} }),
    answer: (quotas, _, pace) => listParts('quotas', pace.pieces(quotas), quotaJson),
  });
}

function operatorRoutes(app: HttpApp, edge: Edge): void {
  const { createProject, getProject, listProjects } = edge.api.operations;
  operationRoute(app, edge, {
    operation: createProject,
    method: 'POST',
    url: '/v1/projects',
    docs: {
      summary: 'Make a project',
      description: 'For operators.',
      tags,
      response: {
        201: answer('The project; `Location` says where it is.', projectResource),
        ...problemResponses('already_exists', 'idempotency_mismatch', 'resource_exhausted'),
      },
    },
    body: createProject.input.meta(bodyMeta('NewProject', newExamples)),
    give: ({ body }) => ({ at: {}, input: body }),
    answer(project, reply) {
      reply.code(201).header('location', `/v1/projects/${project.name}`);
      return projectJson(project);
    },
  });
  operationRoute(app, edge, {
    operation: listProjects,
    method: 'GET',
    url: '/v1/projects',
    docs: {
      summary: 'List projects',
      description: 'For operators. In the order of their creation.',
      tags,
      response: {
        200: answer(
          'A page of projects.',
          z.object({ projects: z.array(projectResource).describe('Oldest first.'), nextPageToken }),
        ),
        ...problemResponses(),
      },
    },
    query: z.strictObject(pageFields(edge.bounds)),
    give: ({ query }) => ({ at: {}, input: query }),
    answer: ({ items, ...page }, _, pace) =>
      listParts('projects', pace.pieces(items), projectJson, page),
  });
  operationRoute(app, edge, {
    operation: getProject,
    method: 'GET',
    url: '/v1/projects/:name',
    docs: {
      summary: 'Get one project',
      description: 'For operators.',
      tags,
      response: { 200: answer('The project.', projectResource), ...problemResponses('not_found') },
    },
    params: getProject.at,
    give: ({ params }) => ({ at: params, input: {} }),
    answer: projectJson,
  });
}

function changeRoutes(app: HttpApp, edge: Edge): void {
  const { updateProject, deleteProject } = edge.api.operations;
  operationRoute(app, edge, {
    operation: updateProject,
    method: 'PATCH',
    url: '/v1/projects/:name',
    docs: {
      summary: 'Change a project',
      description: 'For operators. What is absent stays; `quotas` are changed one by one.',
      tags,
      consumes: ['application/json', 'application/merge-patch+json'],
      response: {
        200: answer('The project as it is now.', projectResource),
        ...problemResponses('not_found', 'failed_precondition'),
      },
    },
    params: updateProject.at,
    body: updateProject.input.meta(bodyMeta('ProjectPatch', patchExamples)),
    give: ({ params, body }) => ({ at: params, input: body }),
    answer: projectJson,
  });
  operationRoute(app, edge, {
    operation: deleteProject,
    method: 'DELETE',
    url: '/v1/projects/:name',
    docs: {
      summary: 'Delete a project',
      description:
        'For operators. Its keys are refused and its streams ended at once; it is gone once its listeners are closed and ' +
        'what is on record of it is deleted. The project `default` stays.',
      tags,
      response: {
        202: answer('Its end has begun.', projectResource),
        ...problemResponses('not_found', 'failed_precondition'),
      },
    },
    params: deleteProject.at,
    give: ({ params }) => ({ at: params, input: {} }),
    answer(project, reply) {
      reply.code(202);
      return projectJson(project);
    },
  });
}
