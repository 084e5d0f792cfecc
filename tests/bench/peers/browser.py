"""A client that shakes hands as Chrome does, with BoringSSL: curl_cffi, where it is installed."""

from __future__ import annotations

import importlib
import json
import sys


def main() -> None:
    curl, requests = (importlib.import_module(f"curl_cffi{of}") for of in ("", ".requests"))
    wish = json.loads(sys.argv[1])
    name, port = wish["name"], wish["port"]
    session = requests.Session(
        impersonate="chrome",
        verify=False if wish["lax"] else wish["ca"],
        cert=(wish["cert"], wish["key"]) if wish["cert"] else None,
        curl_options={curl.CurlOpt.RESOLVE: [f"{name}:{port}:{wish['host']}"]},
    )
    try:
        answer = session.get(f"https://{name}:{port}/", timeout=5)
    except requests.RequestsError as error:
        sys.stdout.write(f"client: {error}\n")
    else:
        sys.stdout.write(f"HTTP/1.1 {answer.status_code}\n{answer.text[:20]}\n")


if __name__ == "__main__":
    main()
