#!/bin/sh
# As the image of that name does it: KAFKA_A_B=c becomes a.b=c, the storage is formatted once with CLUSTER_ID.
set -ef
properties=/tmp/server.properties
env | grep '^KAFKA_' | grep -vE '^KAFKA_(HEAP_OPTS|JVM_PERFORMANCE_OPTS|HOME|DATA)=' | while IFS='=' read -r name value; do
  printf '%s=%s\n' "$(printf %s "${name#KAFKA_}" | tr 'A-Z_' 'a-z.')" "$value"
done > "$properties"
printf 'rootLogger.level=warn\nrootLogger.appenderRef.o.ref=o\nappender.o.type=Console\nappender.o.name=o\nappender.o.layout.type=PatternLayout\nappender.o.layout.pattern=%%d %%p %%m (%%c)%%n\n' > /tmp/log4j2.properties
options="-XX:TieredStopAtLevel=1 $KAFKA_JVM_PERFORMANCE_OPTS -Dlog4j2.configurationFile=/tmp/log4j2.properties -cp /opt/kafka/lib/*"
if [ ! -f "$KAFKA_LOG_DIRS/meta.properties" ]; then
  java -Xmx96m $options kafka.tools.StorageTool format -t "$CLUSTER_ID" -c "$properties"
fi
exec java $KAFKA_HEAP_OPTS $options kafka.Kafka "$properties"
