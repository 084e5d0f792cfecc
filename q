GET / HTTP/1.0
Host: gateway.example

