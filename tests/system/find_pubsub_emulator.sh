#!/bin/sh
# Prints where Google's Pub/Sub emulator is; ends with 1 and says how to get it where it is not.
if [ -n "${PUBSUB_EMULATOR:-}" ]; then
  if [ -x "$PUBSUB_EMULATOR" ]; then echo "$PUBSUB_EMULATOR" && exit 0; fi
  echo "PUBSUB_EMULATOR=$PUBSUB_EMULATOR is no program: its tests are left out" >&2
  exit 1
fi
gcloud=$(command -v gcloud || true)
for sdk in ${gcloud:+"$(dirname "$(dirname "$(readlink -f "$gcloud")")")"} \
  /usr/lib/google-cloud-sdk /opt/google-cloud-sdk "${HOME:-/nowhere}/google-cloud-sdk"; do
  program=$sdk/platform/pubsub-emulator/bin/cloud-pubsub-emulator
  if [ -x "$program" ] && command -v java > /dev/null; then echo "$program" && exit 0; fi
done
echo "Google's Pub/Sub emulator is not here, its tests are left out: 'gcloud components install pubsub-emulator' (or Debian's" \
  "google-cloud-cli-pubsub-emulator of packages.cloud.google.com) with a Java runtime, or set PUBSUB_EMULATOR to the program" >&2
exit 1
