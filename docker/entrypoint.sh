#!/bin/sh
# Gives Spark its settings in a file that only its user reads, then becomes the command: whatever is on a command line, everybody can read.
set -eu
umask 077
mkdir -p "$SPARK_CONF_DIR"
cp /opt/tradewind/conf/spark/* "$SPARK_CONF_DIR"
if [ -n "${SPARK_AUTH_SECRET:-}" ]; then
    cat >>"$SPARK_CONF_DIR/spark-defaults.conf" <<END
spark.authenticate true
spark.authenticate.secret $SPARK_AUTH_SECRET
spark.network.crypto.enabled true
END
    unset SPARK_AUTH_SECRET
fi
if [ -n "${SPARK_DRIVER_HOST:-}" ]; then
    printf 'spark.driver.host %s\nspark.driver.bindAddress 0.0.0.0\n' "$SPARK_DRIVER_HOST" >>"$SPARK_CONF_DIR/spark-defaults.conf"
fi
# What a deployment adds: a file of lines such as `spark.executor.instances 4`.
if [ -n "${SPARK_EXTRA_CONF:-}" ]; then
    cat "$SPARK_EXTRA_CONF" >>"$SPARK_CONF_DIR/spark-defaults.conf"
fi
exec "$@"
