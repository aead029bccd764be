import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Authenticator;
import java.net.HttpURLConnection;
import java.net.PasswordAuthentication;
import java.net.URL;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** HttpURLConnection with the NTLM of the JDK. */
public class JavaClient {
    public static void main(String[] args) throws Exception {
        Map<String, String> env = System.getenv();
        if (env.containsKey("CA_FILE")) {
            trust(env.get("CA_FILE"));
        }
        Authenticator.setDefault(new Authenticator() {
            private boolean asked;

            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                // Asked again after a refusal: give up instead of locking the account.
                if (asked) {
                    return null;
                }
                asked = true;
                String user = env.get("LOGON_DOMAIN") + "\\" + env.get("LOGON_USER");
                return new PasswordAuthentication(user, env.get("LOGON_PASSWORD").toCharArray());
            }
        });
        HttpURLConnection connection = (HttpURLConnection) new URL(env.get("URL")).openConnection();
        connection.setConnectTimeout(30000);
        connection.setReadTimeout(30000);
        if (env.containsKey("POST_BYTES")) {
            connection.setDoOutput(true);
            connection.getOutputStream().write(new byte[Integer.parseInt(env.get("POST_BYTES"))]);
        }
        int status = connection.getResponseCode();
        if (status != 200) {
            System.out.println("FAIL " + status);
            System.exit(1);
        }
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(connection.getInputStream()))) {
            System.out.println("OK 200 " + reader.readLine());
        }
    }

    private static void trust(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (FileInputStream in = new FileInputStream(file)) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
    }
}
