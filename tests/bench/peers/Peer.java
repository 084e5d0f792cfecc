import java.io.FileInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** A TLS client or server of JSSE that does as its arguments (key=value) say. */
public final class Peer {
    private static final Map<String, String> options = new HashMap<>();

    private static String option(String name) {
        return options.getOrDefault(name, "");
    }

    private static SSLContext context() throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        KeyManagerFactory own = null;
        if (!option("cert").isEmpty()) {
            Certificate[] chain;
            try (InputStream in = new FileInputStream(option("cert"))) {
                chain = factory.generateCertificates(in).toArray(new Certificate[0]);
            }
            String pem = Files.readString(Path.of(option("key")));
            byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
            String algorithm = chain[0].getPublicKey().getAlgorithm();
            PrivateKey key = KeyFactory.getInstance(algorithm)
                .generatePrivate(new PKCS8EncodedKeySpec(der));
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("own", key, new char[0], chain);
            own = KeyManagerFactory.getInstance("PKIX");
            own.init(store, new char[0]);
        }
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        if (!option("ca").isEmpty()) {
            try (InputStream in = new FileInputStream(option("ca"))) {
                trusted.setCertificateEntry("ca", factory.generateCertificate(in));
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
            own == null ? null : own.getKeyManagers(),
            option("ca").isEmpty() ? null : trust.getTrustManagers(), null);
        return context;
    }

    private static void shape(SSLParameters parameters) {
        if (!option("version").isEmpty()) {
            parameters.setProtocols(new String[] {"TLSv" + option("version")});
        }
        if (!option("suite").isEmpty()) {
            parameters.setCipherSuites(new String[] {option("suite")});
        }
        if (!option("alpn").isEmpty()) {
            parameters.setApplicationProtocols(new String[] {option("alpn")});
        }
    }

    private static void serve(InetSocketAddress address) throws Exception {
        SSLServerSocket listener = (SSLServerSocket) context().getServerSocketFactory()
            .createServerSocket(address.getPort(), 50, address.getAddress());
        SSLParameters parameters = listener.getSSLParameters();
        shape(parameters);
        parameters.setNeedClientAuth(!option("ask").isEmpty());
        if (!option("strict").isEmpty()) {
            parameters.setSNIMatchers(List.of(SNIHostName.createSNIMatcher("gateway\\.example")));
        }
        listener.setSSLParameters(parameters);
        while (true) {
            try (SSLSocket socket = (SSLSocket) listener.accept()) {
                socket.setSoTimeout(4000);
                socket.startHandshake();
                socket.getInputStream().read(new byte[4096]);
                socket.getOutputStream().write("HTTP/1.0 200 OK\r\n\r\nhello\n".getBytes());
            } catch (Exception error) {
                for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                    System.out.println("server: " + cause);
                }
            }
        }
    }

    private static void call(InetSocketAddress address) throws Exception {
        Socket plain = new Socket();
        plain.connect(address, 5000);
        plain.setSoTimeout(5000);
        SSLSocket socket = (SSLSocket) context().getSocketFactory()
            .createSocket(plain, option("name"), address.getPort(), true);
        SSLParameters parameters = socket.getSSLParameters();
        shape(parameters);
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        try (socket) {
            socket.startHandshake();
            socket.getOutputStream().write("GET / HTTP/1.0\r\nHost: gateway.example\r\n\r\n".getBytes());
            System.out.println(new String(socket.getInputStream().readAllBytes()));
        } catch (Exception error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                System.out.println("client: " + cause);
            }
            System.exit(1);
        }
    }

    public static void main(String[] arguments) throws Exception {
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            options.put(argument.substring(0, equals), argument.substring(equals + 1));
        }
        InetSocketAddress address = new InetSocketAddress(
            InetAddress.getByName(option("host")), Integer.parseInt(option("port")));
        if (option("role").equals("server")) {
            serve(address);
        } else {
            call(address);
        }
    }
}
