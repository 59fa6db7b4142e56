/** ProjectService, KeyService and AuditService: the operations of projects, quotas, keys and the audit. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ApiKey, ToldKey } from '../tenancy/api-key.ts';
import type { Project } from '../tenancy/project.ts';
import type { Edge } from './edge.ts';
import { operationCall } from './operation-call.ts';
import { projectChangeReader } from './update-request.ts';

const project = { answer: (one: Project) => ({ project: one }) };
const key = { answer: (one: ApiKey) => ({ key: one }) };
const toldKey = { answer: ({ secret, ...one }: ToldKey) => ({ key: one, secret }) };

export function projectHandlers(edge: Edge): UntypedServiceImplementation {
  const operations = edge.api.operations;
  return {
    CreateProject: operationCall(edge, operations.createProject, project),
    GetProject: operationCall(edge, operations.getProject, project),
    GetOwnProject: operationCall(edge, operations.getOwnProject, {
      answer: ({ keyId, keyHint, scopes, ...one }) => ({ project: one, keyId, keyHint, scopes }),
    }),
    ListProjects: operationCall(edge, operations.listProjects, {
      answer: ({ items, nextPageToken }) => ({
        projects: items,
        nextPageToken: nextPageToken ?? '',
      }),
    }),
    UpdateProject: operationCall(edge, operations.updateProject, {
      plain: projectChangeReader(operations.updateProject.fixed),
      ...project,
    }),
    DeleteProject: operationCall(edge, operations.deleteProject, project),
    ListQuotas: operationCall(edge, operations.listQuotas, { answer: (quotas) => ({ quotas }) }),
  };
}

export function keyHandlers(edge: Edge): UntypedServiceImplementation {
  const operations = edge.api.operations;
  return {
    CreateKey: operationCall(edge, operations.createKey, toldKey),
    GetKey: operationCall(edge, operations.getKey, key),
    ListKeys: operationCall(edge, operations.listKeys, {
      answer: ({ items, nextPageToken }) => ({ keys: items, nextPageToken: nextPageToken ?? '' }),
    }),
    UpdateKey: operationCall(edge, operations.updateKey, key),
    RevokeKey: operationCall(edge, operations.revokeKey, { answer: () => ({}) }),
    RotateKey: operationCall(edge, operations.rotateKey, toldKey),
  };
}

export function auditHandlers(edge: Edge): UntypedServiceImplementation {
  return {
    ListAuditEntries: operationCall(edge, edge.api.operations.listAuditEntries, {
      answer: ({ items: entries, nextPageToken }) => ({
        entries,
        nextPageToken: nextPageToken ?? '',
      }),
    }),
  };
}
