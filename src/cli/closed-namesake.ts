/** Which listener a name stands for where nobody has it now: of several closed ones the API takes the newest. */
import { CommandFailure, Refused } from './failure.ts';
import { isId } from './named-keys.ts';
import type { Listener } from './rest-client.ts';
import type { Session } from './session.ts';

/** Behind what is done, or refused, says it where there were several. */
export async function sayingWhichClosed<Done>(
  session: Session,
  listeners: string | readonly string[] | undefined,
  work: () => Promise<Done>,
): Promise<Done> {
  try {
    const done = await work();
    await sayWhichClosed(session, listeners);
    return done;
  } catch (error) {
    if (error instanceof Refused) await sayWhichClosed(session, listeners);
    throw error;
  }
}

/** It is beside the matter, so nothing comes of it where it can not be asked. */
async function sayWhichClosed(
  session: Session,
  listeners: string | readonly string[] | undefined,
): Promise<void> {
  const names = [listeners ?? []].flat().filter((name) => !isId(name));
  for (const name of new Set(names)) {
    const newest = await newestOfSeveral(session, name).catch((error: unknown) => {
      if (error instanceof CommandFailure) return null;
      throw error;
    });
    if (newest === null) continue;
    session.terminal.say(
      `kodama: ${name} is the newest of several closed listeners of that name, ${newest.id}: ` +
        `kodama listeners --state closed --name ${name} -o wide lists them, to be asked for by id`,
    );
  }
}

async function newestOfSeveral({ client }: Session, name: string): Promise<Listener | null> {
  const { items: now } = await client.list('listeners', { name }, 1);
  if (now.length > 0) return null;
  const { items } = await client.list('listeners', { name, state: 'closed' }, 2);
  const [newest = null, other] = items;
  return other === undefined ? null : newest;
}
