# Stands in for apache/kafka where no registry can be reached: what the chart asks of that image, on a base with a JRE and Kafka's jars.
ARG BASE
FROM ${BASE}
COPY kafka-run.sh /etc/kafka/docker/run
USER root
RUN mkdir -p /var/lib/kafka/data && chown 1000:1000 /var/lib/kafka/data && chmod 755 /etc/kafka/docker/run
USER 1000
ENTRYPOINT ["/etc/kafka/docker/run"]
