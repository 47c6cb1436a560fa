/**
 * Loaded into a server by `--import`, before the server itself: tells the benchmark, whenever it asks, what the process
 * has used since it started. All threads count: the collector's and libuv's too.
 */
export interface Usage {
  readonly cpuMicroseconds: number;
  readonly residentBytes: number;
}

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const usage: Usage = { cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss() };
  process.send?.(usage);
});
process.on('disconnect', () => process.exit());
process.channel?.unref();
