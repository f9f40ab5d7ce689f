import { WebSocketServer } from 'ws';

/** The peer of the relay: `ws` alone, which sends every message back to whoever sent it. */
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data) => socket.send(data));
});
server.on('listening', () => {
  const bound = server.address();
  console.log(`PORT ${typeof bound === 'object' && bound !== null ? bound.port : 0}`);
});
