/** The clients by host, each with its port, or each host with how many ports it uses. */
import { useState } from 'preact/hooks';
import type { ConnectionView } from '../http/resources.ts';
import { Badges } from './badges.tsx';
import { useConsole } from './console-context.ts';
import { raddrText } from './facts.ts';
import type { Lit } from './lit.ts';
import type { HostBox } from './picture-boxes.ts';
import type { Picture } from './picture-layout.ts';
import { VirtualRows } from './virtual-rows.tsx';

export interface HostListProps {
  readonly picture: Picture;
  readonly lit: Lit;
  readonly badges: ReadonlyMap<string, readonly number[]>;
  readonly selectedId: string | null;
}

export function HostList({ picture, ...marked }: HostListProps) {
  const { words } = useConsole();
  const { hosts, more } = picture;
  const [openedKey, setOpenedKey] = useState<string | null>(null);
  if (hosts.length === 0) return <p class="soft nobody">{words.live.noClients}</p>;
  return (
    <>
      <ul class="hosts">
        {hosts.map((host) => (
          <li key={host.key} class="box host" style={{ height: `${host.height}px` }}>
            {host.rows[0]?.kind === 'ports' ? (
              <HostLine
                host={host}
                connections={host.rows[0].connections}
                lit={marked.lit}
                isOpened={openedKey === host.key}
                onToggle={() => setOpenedKey(openedKey === host.key ? null : host.key)}
              />
            ) : (
              <Clients host={host} {...marked} />
            )}
          </li>
        ))}
        {more !== null && (
          <li class="soft more-hosts">{words.live.moreHosts(more.hosts, more.connections)}</li>
        )}
      </ul>
      {openedKey !== null && <PortsOf picture={picture} hostKey={openedKey} />}
    </>
  );
}

function Clients({
  host,
  lit,
  badges,
  selectedId,
}: Omit<HostListProps, 'picture'> & { readonly host: HostBox }) {
  const { router, words } = useConsole();
  return (
    <>
      <h3>
        <span class="faint plain">{words.live.host}</span>{' '}
        <span class="mono">{host.ip ?? words.live.unknownHost}</span>
      </h3>
      <ul>
        {host.rows.map((row) => {
          if (row.kind !== 'client') return null;
          const { connection } = row;
          const { id, state } = connection;
          const isSelected = id === selectedId;
          return (
            <li key={id}>
              <button
                type="button"
                class={`client ${state}${lit.has(id) ? ' lit' : ''}`}
                data-id={id}
                aria-pressed={isSelected}
                onClick={() => router.change({ connection: isSelected ? null : id })}
              >
                <span class="mono">{raddrText(connection)}</span>
                <Badges numbers={badges.get(id)} />
                <ClientState connection={connection} />
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function ClientState({ connection }: { readonly connection: ConnectionView }) {
  const { words } = useConsole();
  const { state, closeReason } = connection;
  if (state === 'open') return null;
  if (state === 'half_closed') return <span class="state half">◐ {words.live.halfClosed}</span>;
  const mark = closeReason === 'peer_rst' || closeReason === 'operator_rst' ? '✕' : '○';
  return (
    <span class="state faint">
      <span aria-hidden="true">{mark}</span> {words.live.closedClient}
    </span>
  );
}

interface HostLineProps {
  readonly host: HostBox;
  readonly connections: readonly ConnectionView[];
  readonly lit: Lit;
  readonly isOpened: boolean;
  readonly onToggle: () => void;
}

function HostLine({ host, connections, lit, isOpened, onToggle }: HostLineProps) {
  const { words } = useConsole();
  const isLit = lit.size > 0 && connections.some(({ id }) => lit.has(id));
  return (
    <button
      type="button"
      class={isLit ? 'host-line lit' : 'host-line'}
      aria-expanded={isOpened}
      onClick={onToggle}
    >
      <span class="mono">{host.ip ?? words.live.unknownHost}</span>
      <span class="soft number">{words.live.ports(connections.length)}</span>
    </button>
  );
}

/** All ports of a host, however many they are. */
function PortsOf({ picture, hostKey }: { readonly picture: Picture; readonly hostKey: string }) {
  const { router, words } = useConsole();
  const host = picture.hosts.find(({ key }) => key === hostKey);
  const [row] = host?.rows ?? [];
  if (row?.kind !== 'ports') return null;
  const { connections } = row;
  return (
    <section class="ports">
      <h3 class="mono">{host?.ip ?? words.live.unknownHost}</h3>
      <VirtualRows
        label={words.live.ports(connections.length)}
        count={connections.length}
        rowHeight={26}
        keyOf={(index) => connections[index]?.id ?? `${index}`}
        head={
          <tr>
            <th scope="col">{words.live.raddr}</th>
            <th scope="col">{words.live.pid}</th>
            <th scope="col">{words.live.fd}</th>
          </tr>
        }
        row={(index, attributes) => {
          const connection = connections[index];
          if (connection === undefined) return <tr {...attributes} />;
          return (
            <tr {...attributes}>
              <td>
                <a class="mono" href={router.href(`/connections/${connection.id}`)}>
                  {raddrText(connection)}
                </a>
              </td>
              <td class="number">{connection.pid}</td>
              <td class="number">{connection.fd}</td>
            </tr>
          );
        }}
      />
    </section>
  );
}
