/** The reference for UDP: Node's dgram, back from where it came. Prints its port; ends at the end of stdin. */
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
socket.bind(0, '127.0.0.1', () => console.log(socket.address().port));
process.stdin.once('end', () => socket.close()).resume();
