"""Makes the app's bucket. The object store runs this inside its container once it answers."""

from http.client import HTTPConnection

asked = HTTPConnection("127.0.0.1", 4566, timeout=10)
asked.request("PUT", "/weather-files")
asked.getresponse().read()  # that it is there already, at a later start, is as good
