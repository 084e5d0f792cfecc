""".NET: Kestrel and HttpClient; Schannel on Windows, OpenSSL on Linux."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="dotnet",
    label=".NET",
    stacks=frozenset({"schannel"}),
    as_server={
        Topic.IDENTITY: (
            "Kestrel: HttpsConnectionAdapterOptions.ServerCertificate and "
            "ServerCertificateChain (Kestrel:Certificates in appsettings.json); on "
            "Windows intermediates in the store LocalMachine\\CA."
        ),
        Topic.TRUST: (
            "CertificateAuthenticationOptions.CustomTrustStore, or the machine's root store."
        ),
        Topic.ASK: (
            "HttpsConnectionAdapterOptions.ClientCertificateMode: RequireCertificate "
            "insists, AllowCertificate does not."
        ),
        Topic.REVOCATION: (
            "CheckCertificateRevocation, or CertificateAuthenticationOptions.RevocationMode."
        ),
        Topic.VERSIONS: (
            "HttpsConnectionAdapterOptions.SslProtocols, else the system decides "
            "(SCHANNEL\\Protocols, openssl.cnf)."
        ),
        Topic.CIPHERS: "CipherSuitesPolicy on Linux; on Windows Get-TlsCipherSuite.",
        Topic.GROUPS: (
            "the system's: Enable-TlsEccCurve on Windows, Groups in openssl.cnf on Linux."
        ),
        Topic.NAMES: "ServerCertificateSelector, or Kestrel:Endpoints with Sni.",
        Topic.ALPN: "Kestrel: HttpProtocols.Http1AndHttp2.",
        Topic.LISTENER: "UseHttps on the endpoint, https:// in ASPNETCORE_URLS.",
        Topic.LOG: (
            'Logging:LogLevel:Microsoft.AspNetCore.Server.Kestrel Debug: "Failed to '
            'authenticate HTTPS connection".'
        ),
    },
    as_client={
        Topic.TRUST: (
            "the machine's root store (certlm.msc, update-ca-certificates), or "
            "SocketsHttpHandler.SslOptions with CertificateChainPolicy.CustomTrustStore."
        ),
        Topic.IDENTITY: (
            "HttpClientHandler.ClientCertificates (or "
            "SslClientAuthenticationOptions.LocalCertificateSelectionCallback); the key "
            "must be readable by the program's account."
        ),
        Topic.REVOCATION: (
            "HttpClientHandler.CheckCertificateRevocationList; the client must reach the "
            "distribution points."
        ),
        Topic.VERSIONS: (
            "SslClientAuthenticationOptions.EnabledSslProtocols; .NET Framework: "
            "SchUseStrongCrypto and SystemDefaultTlsVersions."
        ),
        Topic.CIPHERS: "CipherSuitesPolicy on Linux; on Windows Get-TlsCipherSuite.",
        Topic.GROUPS: (
            "the system's: Enable-TlsEccCurve on Windows, Groups in openssl.cnf on Linux."
        ),
        Topic.POLICY: (
            "on Linux CipherString with its @SECLEVEL in openssl.cnf. Better have the "
            "server changed."
        ),
        Topic.NAMES: (
            "SslClientAuthenticationOptions.TargetHost is what is sent and compared; "
            "HttpClient takes the Host header where it is set."
        ),
        Topic.ALPN: "HttpRequestMessage.Version and VersionPolicy.",
        Topic.LISTENER: "https:// against http:// in the address.",
        Topic.LOG: (
            "AuthenticationException.InnerException; dotnet-trace with System.Net.Security."
        ),
    },
)
