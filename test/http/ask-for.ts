import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/** Sends a request line and headers byte for byte, as no client would, and returns the whole answer. */
export function askFor(port: number, head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`${head}Connection: close\r\n\r\n`);
  return text(socket);
}
