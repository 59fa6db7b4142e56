/** Projects, which operators make for teams. */
import { Command, InvalidArgumentError } from 'commander';
import { quotaNames } from '../core/quotas.ts';
import { confirm } from './confirm.ts';
import { usageFailure } from './failure.ts';
import {
  added,
  assertWord,
  atLeastOne,
  networks,
  option,
  repeatable,
  withOptions,
} from './flags.ts';
import { listShown, listShownDefault } from './list-shown.ts';
import type { Project } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { showRows } from './show.ts';
import { projectColumns } from './tenancy-tables.ts';

export function projectsCommand(run: Run): Command {
  return new Command('projects')
    .description('list projects, oldest first; for operators')
    .addOption(option('--limit <n>', 'at most so many', atLeastOne).default(listShownDefault))
    .action(run(listProjects))
    .addCommand(createProjectCommand(run))
    .addCommand(setProjectCommand(run))
    .addCommand(deleteProjectCommand(run));
}

async function listProjects(session: Session, command: Command): Promise<undefined> {
  const columns = projectColumns(session.format);
  const { limit } = command.opts<{ readonly limit: number }>();
  await listShown(session, 'projects', { columns, limit, first: 'oldest' });
}

interface ChangeOptions {
  readonly displayName?: string;
  readonly quota?: Readonly<Record<string, number | null>>;
  readonly bindHost?: readonly string[];
}

function withChanges(command: Command): Command {
  return withOptions(command, [
    option('--display-name <text>', 'what people read; an empty one takes it away'),
    repeatable('--quota <name=value>', 'such as listeners=100; none is no bound', quota),
    repeatable(
      '--bind-host <network>',
      'what its listeners may be bound to; any is all',
      bindHosts,
    ),
  ]);
}

function bindHosts(text: string, before: readonly string[] = []): readonly string[] {
  return text === 'any' ? [...before, text] : networks(text, before);
}

function quota(text: string, before: ChangeOptions['quota'] = {}): ChangeOptions['quota'] {
  const [, name = '', value = ''] = /^(\w+)=(none|\d{1,15})$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('It is not name=value, of a number or none.');
  assertWord(name, quotaNames, 'quota');
  return added(before, name, value === 'none' ? null : Number(value));
}

function changeOf({ displayName, quota: quotas, bindHost }: ChangeOptions): object {
  const isAny = bindHost?.includes('any') === true;
  return {
    ...(displayName !== undefined && { displayName: displayName === '' ? null : displayName }),
    ...(quotas !== undefined && { quotas }),
    ...(bindHost !== undefined && { bindHosts: isAny ? null : bindHost }),
  };
}

function createProjectCommand(run: Run): Command {
  const command = new Command('create')
    .description('make a project')
    .argument('<name>', 'its name, which never changes')
    .action(run(createProject));
  return withChanges(command);
}

async function createProject(session: Session, command: Command): Promise<undefined> {
  const body = { name: command.args[0], ...changeOf(command.opts()) };
  const project = await session.client.call<Project>('POST', '/v1/projects', { body });
  await showRows(session, projectColumns(session.format), [project]);
}

function setProjectCommand(run: Run): Command {
  const command = new Command('set')
    .description('change a project; quotas that are not given stay')
    .argument('<project>', 'its name')
    .action(run(setProject));
  return withChanges(command);
}

async function setProject(session: Session, command: Command): Promise<undefined> {
  const body = changeOf(command.opts());
  if (Object.keys(body).length === 0) throw usageFailure('nothing to change: give a flag');
  const project = await session.client.call<Project>('PATCH', projectPath(command), { body });
  await showRows(session, projectColumns(session.format), [project]);
}

function deleteProjectCommand(run: Run): Command {
  return new Command('delete')
    .description('delete a project with all that it has, its history too; there is no way back')
    .argument('<project>', 'its name')
    .option('-y, --yes', 'do not ask before')
    .action(run(deleteProject));
}

async function deleteProject(session: Session, command: Command): Promise<undefined> {
  const { client, terminal, format } = session;
  const [name = ''] = command.args;
  const { yes } = command.opts<{ readonly yes?: true }>();
  const question = `Delete the project ${name}, its listeners, keys and history?`;
  if (yes !== true) await confirm(terminal, question, 'delete');
  const project = await client.call<Project>('DELETE', projectPath(command));
  if (format === 'json') await terminal.printJson(project);
  terminal.say(`${name} is being deleted: its keys are refused from now on`);
}

function projectPath({ args: [name = ''] }: Command): string {
  return `/v1/projects/${encodeURIComponent(name)}`;
}
