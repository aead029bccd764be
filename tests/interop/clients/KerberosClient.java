import java.io.FileInputStream;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSException;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/**
 * HttpURLConnection, which logs on by itself, or with CLIENT=http an HttpClient with the tokens of
 * GSSContext, which verifies the server's.
 */
public class KerberosClient {
    public static void main(String[] args) throws Exception {
        Map<String, String> env = System.getenv();
        SSLContext tls = SSLContext.getDefault();
        if (env.containsKey("CA_FILE")) {
            tls = trust(env.get("CA_FILE"));
        }
        if ("http".equals(env.get("CLIENT"))) {
            byHand(env.get("URL"), tls);
        } else {
            byItself(env.get("URL"), tls);
        }
    }

    private static void byItself(String url, SSLContext tls) throws Exception {
        HttpsURLConnection.setDefaultSSLSocketFactory(tls.getSocketFactory());
        HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
        connection.setConnectTimeout(30000);
        connection.setReadTimeout(30000);
        int status = connection.getResponseCode();
        String token = connection.getHeaderField("WWW-Authenticate");
        boolean came = status == 200 && token != null && token.startsWith("Negotiate ");
        System.out.println(status + (came ? " token" : " none"));
        if (status == 200) {
            try (InputStream body = connection.getInputStream()) {
                System.out.print(new String(body.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
    }

    private static void byHand(String url, SSLContext tls) throws Exception {
        URI uri = URI.create(url);
        GSSManager manager = GSSManager.getInstance();
        GSSName server = manager.createName("HTTP@" + uri.getHost(), GSSName.NT_HOSTBASED_SERVICE);
        Oid spnego = new Oid("1.3.6.1.5.5.2");
        GSSContext context = manager.createContext(server, spnego, null, GSSContext.DEFAULT_LIFETIME);
        context.requestMutualAuth(true);
        String token = Base64.getEncoder().encodeToString(context.initSecContext(new byte[0], 0, 0));
        HttpRequest request =
            HttpRequest.newBuilder(uri).header("Authorization", "Negotiate " + token).build();
        HttpClient client =
            HttpClient.newBuilder().sslContext(tls).version(HttpClient.Version.HTTP_1_1).build();
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        String answer = response.headers().firstValue("WWW-Authenticate").orElse("");
        String mutual = "none";
        if (response.statusCode() == 200 && answer.startsWith("Negotiate ")) {
            mutual = verifies(context, answer.substring("Negotiate ".length())) ? "verified" : "unproven";
        }
        System.out.println(response.statusCode() + " " + mutual);
        System.out.print(response.body());
    }

    private static boolean verifies(GSSContext context, String answer) {
        byte[] token = Base64.getDecoder().decode(answer);
        try {
            context.initSecContext(token, 0, token.length);
        } catch (GSSException error) {
            return false;
        }
        return context.isEstablished() && context.getMutualAuthState();
    }

    private static SSLContext trust(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (FileInputStream in = new FileInputStream(file)) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
