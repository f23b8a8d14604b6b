/** Of every socket of the control plane: small messages leave at once, dead hosts are found out in the end. */
export const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
} as const;
