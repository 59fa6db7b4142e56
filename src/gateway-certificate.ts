/** The certificate of the gateway: its own files, else that of the edges, else on loopback none, else one that it makes. */
import type { Config } from './config.ts';
import { isLoopback } from './core/address.ts';
import type { Logger } from './core/ports.ts';
import type { EdgeTls } from './edge-sockets/edge-tls.ts';
import { prepareDataDir } from './node/data-dir.ts';
import { orStartError } from './node/start-error.ts';
import { CertificateFiles } from './tls/certificate-files.ts';
import { keptCertificate } from './tls/kept-certificate.ts';

export interface GatewayCertificateOptions {
  readonly config: Pick<Config, 'gateway' | 'tls' | 'dataDir'>;
  readonly logger: Logger;
  /** Of the edges; null: they are plain. */
  readonly ofEdges: EdgeTls['certificate'] | null;
}

/** Null: the gateway is plain. @throws StartError */
export async function openGatewayCertificate(
  { config, logger, ofEdges }: GatewayCertificateOptions,
  resources: AsyncDisposableStack,
): Promise<EdgeTls['certificate'] | null> {
  const { host, tlsFiles: paths } = config.gateway;
  if (paths !== null) {
    const names = { cert: 'KODAMA_GATEWAY_TLS_CERT', key: 'KODAMA_GATEWAY_TLS_KEY' };
    const options = { paths, names, owner: 'the gateway', logger, limits: config.tls.limits };
    const open = () => CertificateFiles.open(options);
    return resources.use(await orStartError(open, (reason) => reason));
  }
  if (ofEdges !== null || isLoopback(host)) return ofEdges;
  const pair = await orStartError(
    async () => await keptCertificate(await prepareDataDir(config.dataDir), host),
    (reason) => `the certificate of the gateway: ${reason}`,
  );
  // It is the same for as long as the process runs.
  return { pair, onRenewed: () => undefined };
}
