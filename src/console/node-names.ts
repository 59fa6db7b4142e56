/** What a node is called: by the listeners that tell its name, else by the part of its id in which it differs from others. */
import type { ListenerView } from '../http/resources.ts';

export type NodeName = (nodeId: string) => string;

export function nodeNames(listeners: readonly ListenerView[]): NodeName {
  return (nodeId) =>
    listeners.findLast((one) => one.nodeId === nodeId)?.nodeName ?? shortId(nodeId);
}

/** A UUID begins with a time (RFC 9562, 5.7), which nodes that are made together share. */
function shortId(nodeId: string): string {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(nodeId) ? nodeId.slice(-8) : nodeId;
}
