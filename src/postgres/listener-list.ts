/** Which listeners a list has, by Prisma Client: any combination of filters, which are asked for rarely. */

import type { ListenerQuery } from '../core/directories.ts';
import type { PageRequest } from '../core/page.ts';
import type { ProjectRef } from '../core/project.ts';
import type { LazyPrisma } from './lazy-prisma.ts';

/** What a page is cut by, before its listeners are read. */
export interface ListenerSize {
  readonly id: string;
  readonly specBytes: number;
}

/** Newest first, and one more than the page has room for where there is one. @throws unavailable */
export async function listenerSizes(
  prisma: LazyPrisma,
  project: ProjectRef,
  { state, protocol, port, name, labels }: ListenerQuery,
  { after, pageSize }: PageRequest,
): Promise<readonly ListenerSize[]> {
  const wanted = Object.entries(labels).map(([key, value]) => ({
    spec: { is: { labels: { path: [key], equals: value } } },
  }));
  return await prisma.run(project, (client) =>
    client.listener.findMany({
      select: { id: true, specBytes: true },
      where: {
        project,
        ...(after === null ? {} : { id: { lt: after } }),
        isLive: state !== 'closed',
        ...(state === null ? {} : { state }),
        ...(protocol === null ? {} : { protocol }),
        ...(name === null ? {} : { name }),
        ...(port === null ? {} : { OR: [{ lport: port }, { lport: null, port }] }),
        AND: wanted,
      },
      orderBy: { id: 'desc' },
      take: pageSize + 1,
    }),
  );
}
