/** The worker process: echo sockets, and nothing of the database or the API. It ends with its control plane. */
import { EchoHost } from './echo-host.ts';
import { MessageBundle } from './message-bundle.ts';
import type { Command, Report, Transport } from './messages.ts';

// Some supervisors signal every process of a service: the control plane decides when its workers end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) {
  process.on(signal, () => undefined);
}

const reports = new MessageBundle<Report>((bundle) => {
  if (process.connected) process.send?.(bundle);
});

/** The channel of the fork, from the side of the child. */
const channel: Transport<Report, Command> = {
  send: (report) => reports.add(report),
  onMessage(receive) {
    process.on('message', (commands: readonly Command[]) => {
      for (const command of commands) receive(command);
    });
  },
  onEnd(tellEnd) {
    process.on('disconnect', tellEnd);
    // What is sent to a control plane that was killed may fail before the channel says that it is gone.
    process.on('error', tellEnd);
  },
};

let host: EchoHost | null = null;
channel.onEnd(() => process.exit(0));
channel.onMessage((command) => {
  if (command.kind === 'start') host = new EchoHost(command.settings, channel.send);
  else if (host === null) throw new TypeError('a command before the start');
  else host.take(command);
});
