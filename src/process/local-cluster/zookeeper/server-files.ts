/** Where a server listens, on 127.0.0.1. */
export interface ServerPorts {
  readonly client: number;
  /** Of followers, while it leads. */
  readonly peers: number;
  readonly election: number;
}

export interface ServerFiles {
  /** From 1 on. */
  readonly number: number;
  readonly dataFolder: string;
  /** Of all servers, in the order of their numbers. */
  readonly ports: readonly ServerPorts[];
}

/**
 * The configuration of one server. A frozen leader is replaced after syncLimit times tickTime, 5 s, which is below the session timeout
 * that JobManagers ask for by default. What is written is flushed: that is ZooKeeper's default.
 */
export const zooCfg = ({ number, dataFolder, ports }: ServerFiles): string => {
  const settings: readonly (readonly [string, string | number])[] = [
    ['tickTime', 1_000],
    ['initLimit', 20],
    ['syncLimit', 5],
    ['minSessionTimeout', 1_000],
    ['maxSessionTimeout', 300_000],
    ['dataDir', dataFolder],
    ['clientPortAddress', '127.0.0.1'],
    ['clientPort', ports[number - 1]?.client ?? 0],
    // All clients have one address, for which the limit would be 60.
    ['maxClientCnxns', 0],
    ['admin.enableServer', 'false'],
    ['4lw.commands.whitelist', 'srvr,mntr,ruok'],
    // Old snapshots and logs are kept for ever unless it is told to delete them: all but three, each hour.
    ['autopurge.snapRetainCount', 3],
    ['autopurge.purgeInterval', 1],
    ...(ports.length === 1
      ? []
      : ports.map(({ peers, election }, at) => [`server.${at + 1}`, `127.0.0.1:${peers}:${election}`] as const)),
  ];
  return settings.map(([key, value]) => `${key}=${propertyText(String(value))}\n`).join('');
};

/** A properties file is read as Latin-1, with backslashes as escapes. */
const propertyText = (text: string): string =>
  text
    .replaceAll('\\', '\\\\')
    .replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The system property that names the log file of a server. */
export const LOG_PROPERTY = 'millrace.log';

/** Elections are told, each connection is not. For log4j 1.2, which Debian's package and releases before 3.8 log with. */
export const LOG4J_PROPERTIES = `log4j.rootLogger=WARN, file
log4j.logger.org.apache.zookeeper.server.quorum=INFO
log4j.appender.file=org.apache.log4j.RollingFileAppender
log4j.appender.file.File=\${${LOG_PROPERTY}}
log4j.appender.file.MaxFileSize=20MB
log4j.appender.file.MaxBackupIndex=3
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c{1} - %m%n
`;

/** The same for Logback, which releases from 3.8 on log with. */
export const LOGBACK_XML = `<configuration>
  <appender name="file" class="ch.qos.logback.core.rolling.RollingFileAppender">
    <file>\${${LOG_PROPERTY}}</file>
    <rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
      <fileNamePattern>\${${LOG_PROPERTY}}.%i</fileNamePattern>
      <minIndex>1</minIndex>
      <maxIndex>3</maxIndex>
    </rollingPolicy>
    <triggeringPolicy class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
      <maxFileSize>20MB</maxFileSize>
    </triggeringPolicy>
    <encoder>
      <pattern>%d{"yyyy-MM-dd HH:mm:ss,SSS"} %-5p %logger{0} - %m%n</pattern>
    </encoder>
  </appender>
  <logger name="org.apache.zookeeper.server.quorum" level="INFO" />
  <root level="WARN">
    <appender-ref ref="file" />
  </root>
</configuration>
`;
