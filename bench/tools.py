"""The command lines that are compared: ours, the bare relay, and rclone by its two ways to the target."""

import json

from harness import LIMIT, PROGRAM


def cloud_environment(world):
    return {
        "AWS_ACCESS_KEY_ID": world.ready["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": world.ready["secret_access_key"],
        "AWS_ENDPOINT_URL_S3": world.ready["s3"],
        "STORAGE_EMULATOR_HOST": world.ready["gcs"],
        "HOME": str(world.folder),
    }


def bucketferry(world, source, target, *options, command="copy"):
    """As it is shipped: integrity, provenance, state and ledger on."""
    words = [PROGRAM, command, f"s3://{source}", f"gs://{target}", *options]
    if command == "copy":
        words += ["--state", world.folder / f"{target}.sqlite"]
    if world.tls:
        words += ["--ca-file", world.ca]
    return world.run(words, cloud_environment(world))


def summary_of(output):
    """What --json said; it is the only line that begins like that."""
    return json.loads(next(line for line in output.split("\n") if line.startswith("{")))


def limit(world, source, target, objects, streams):
    """The bare relay; the source bucket must be public."""
    words = [LIMIT, f"{world.ready['s3']}/{source}", f"{world.ready['gcs']}/{target}", "--objects", objects, "--streams", streams]
    if world.tls:
        words += ["--ca", world.ca]
    return world.run(words)


def _rclone(world, source, target, target_remote, options):
    keys = {"ACCESS_KEY_ID": world.ready["access_key_id"], "SECRET_ACCESS_KEY": world.ready["secret_access_key"],
            "FORCE_PATH_STYLE": "true"}
    from_s3 = {"TYPE": "s3", "PROVIDER": "Ceph", "ENDPOINT": world.ready["s3"], **keys}
    if target_remote["TYPE"] == "s3":
        target_remote = {**target_remote, **keys}
    environment = {"RCLONE_CONFIG": str(world.folder / "rclone.conf")}
    environment |= {f"RCLONE_CONFIG_SRC_{name}": value for name, value in from_s3.items()}
    environment |= {f"RCLONE_CONFIG_DST_{name}": value for name, value in target_remote.items()}
    # Its defaults but for what favours it: more transfers at once for small objects, one listing for all, no second HEAD.
    words = ["rclone", "copy", f"src:{source}", f"dst:{target}", "--transfers", "64", "--checkers", "64", "--fast-list",
             "--use-server-modtime", "--retries", "1", "-q", *options]
    if world.tls:
        words += ["--ca-cert", world.ca]
    return world.run(words, environment)


def rclone_gcs(world, source, target, *options):
    """By its GCS backend, over the JSON API."""
    remote = {"TYPE": "google cloud storage", "ENDPOINT": world.ready["gcs"] + "/storage/v1/", "ANONYMOUS": "true",
              "BUCKET_POLICY_ONLY": "true", "PROJECT_NUMBER": "1"}
    return _rclone(world, source, target, remote, options)


def rclone_s3(world, source, target):
    """Its best path: the S3-style API of the target, one PUT per object of any size, nothing looked at before or after. The
    target is the sandbox's XML API, which serves single objects; that rclone then lists no target favours it."""
    remote = {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": world.ready["gcs"]}
    return _rclone(world, source, target, remote,
                   ["--no-check-dest", "--s3-no-head", "--s3-no-check-bucket", "--s3-upload-cutoff", "5G"])
