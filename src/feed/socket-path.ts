/** Where the feed's WebSocket is. */
export const SOCKET_PATH = '/ws';
