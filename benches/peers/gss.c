// Logons through GSSAPI, both sides in this process. Reads a number of logons from each line of
// its input and answers with the nanoseconds that the acceptor's calls took.
//   gss ntlm|spnego   with NTLM_USER_FILE (DOMAIN:user:password) in the environment
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static gss_OID_desc NTLMSSP = {10, "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"};
static gss_OID_desc SPNEGO = {6, "\x2b\x06\x01\x05\x05\x02"};

static void check(const char *call, OM_uint32 major, const OM_uint32 *minor) {
    if (!GSS_ERROR(major)) return;
    fprintf(stderr, "%s failed: major %#x, minor %#x; is gss-ntlmssp installed?\n", call, major, *minor);
    exit(1);
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static gss_cred_id_t acquire(gss_name_t name, gss_OID mechanism, gss_cred_usage_t usage) {
    OM_uint32 minor;
    gss_OID_set_desc asked = {1, mechanism}, inner = {1, &NTLMSSP};
    gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
    check("gss_acquire_cred", gss_acquire_cred(&minor, name, GSS_C_INDEFINITE, &asked, usage, &credential, NULL, NULL), &minor);
    if (mechanism == &SPNEGO) check("gss_set_neg_mechs", gss_set_neg_mechs(&minor, credential, &inner), &minor);
    return credential;
}

// One logon; gives the nanoseconds of the acceptor.
static long long logon(gss_cred_id_t client, gss_cred_id_t server, gss_name_t target, gss_OID mechanism,
                       gss_channel_bindings_t bindings) {
    OM_uint32 minor, i = GSS_S_CONTINUE_NEEDED, a = GSS_S_CONTINUE_NEEDED;
    OM_uint32 flags = GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG | GSS_C_CONF_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_REPLAY_FLAG;
    gss_ctx_id_t initiator = GSS_C_NO_CONTEXT, acceptor = GSS_C_NO_CONTEXT;
    gss_buffer_desc to_server = GSS_C_EMPTY_BUFFER, to_client = GSS_C_EMPTY_BUFFER;
    gss_name_t user = GSS_C_NO_NAME;
    long long spent = 0;
    while (i == GSS_S_CONTINUE_NEEDED || a == GSS_S_CONTINUE_NEEDED) {
        if (i == GSS_S_CONTINUE_NEEDED) {
            i = gss_init_sec_context(&minor, client, &initiator, target, mechanism, flags, 0, bindings, &to_client, NULL,
                                     &to_server, NULL, NULL);
            check("gss_init_sec_context", i, &minor);
            gss_release_buffer(&minor, &to_client);
        }
        if (a != GSS_S_CONTINUE_NEEDED) continue;
        long long start = now();
        a = gss_accept_sec_context(&minor, &acceptor, server, &to_server, bindings, &user, NULL, &to_client, NULL, NULL, NULL);
        spent += now() - start;
        check("gss_accept_sec_context", a, &minor);
        gss_release_buffer(&minor, &to_server);
    }
    gss_release_buffer(&minor, &to_client);
    gss_release_buffer(&minor, &to_server);
    gss_release_name(&minor, &user);
    gss_delete_sec_context(&minor, &initiator, GSS_C_NO_BUFFER);
    gss_delete_sec_context(&minor, &acceptor, GSS_C_NO_BUFFER);
    return spent;
}

int main(int count, char **arguments) {
    if (count != 2 || !getenv("NTLM_USER_FILE")) {
        fprintf(stderr, "usage: NTLM_USER_FILE=FILE %s ntlm|spnego\n", arguments[0]);
        return 2;
    }
    gss_OID mechanism = strcmp(arguments[1], "spnego") ? &NTLMSSP : &SPNEGO;
    OM_uint32 minor;
    gss_name_t target;
    gss_buffer_desc name = {strlen("HTTP@localhost"), "HTTP@localhost"};
    check("gss_import_name", gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &target), &minor);
    gss_cred_id_t client = acquire(GSS_C_NO_NAME, mechanism, GSS_C_INITIATE);
    gss_cred_id_t server = acquire(GSS_C_NO_NAME, mechanism, GSS_C_ACCEPT);
    struct gss_channel_bindings_struct bindings = {0};
    bindings.application_data.value = "tls-server-end-point:0123456789abcdef0123456789abcdef";
    bindings.application_data.length = strlen(bindings.application_data.value);
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        long long spent = 0;
        for (long left = atol(line); left > 0; left--) spent += logon(client, server, target, mechanism, &bindings);
        printf("%lld\n", spent);
        fflush(stdout);
    }
    return 0;
}
