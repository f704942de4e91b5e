//! Steps as data.

use bootstrap::secret::Secret;
use bootstrap::settings::Password;
use bootstrap::step::lines;
use bootstrap::step::*;
use serde_json::json;

#[test]
fn a_block_replaces_the_one_of_its_name_and_nothing_else() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (before, after) in [
        ("", "# BEGIN m\nnew\n# END m\n"),
        ("a\n", "a\n# BEGIN m\nnew\n# END m\n"),
        ("a", "a\n# BEGIN m\nnew\n# END m\n"),
        ("a\n# BEGIN m\nold\n# END m\nb", "a\n# BEGIN m\nnew\n# END m\nb"),
        ("# BEGIN m\r\nold\r\n# END m\r\nb\r\n", "# BEGIN m\nnew\n# END m\nb\r\n"),
        ("# BEGIN other\nx\n# END other\n", "# BEGIN other\nx\n# END other\n# BEGIN m\nnew\n# END m\n"),
        // What follows a beginning without an end may be anybody's.
        ("# BEGIN m\nmine?\n", "# BEGIN m\nmine?\n# BEGIN m\nnew\n# END m\n"),
        ("# BEGIN m\nx\n# BEGIN m\nold\n# END m\n", "# BEGIN m\nx\n# BEGIN m\nnew\n# END m\n"),
    ] {
        let found = lines::with_block(before, "m", &lines("new"));
        assert_eq!(found, after, "{before:?}");
        assert_eq!(lines::with_block(&found, "m", &lines("new")), found, "twice is once");
    }
}

#[test]
fn a_line_is_added_once_and_only_a_whole_line_counts() {
    assert_eq!(lines::with_line("a\n", "b"), "a\nb\n");
    assert_eq!(lines::with_line("a\nb", "b"), "a\nb");
    assert_eq!(lines::with_line("a b\n", "b"), "a b\nb\n");
}

#[test]
fn objects_have_the_paths_of_the_api() {
    for (reference, path) in [
        (ObjectRef::cluster_wide("v1", "Namespace", "n"), "/api/v1/namespaces/n"),
        (ObjectRef::namespaced("v1", "Endpoints", "n", "e"), "/api/v1/namespaces/n/endpoints/e"),
        (
            ObjectRef::namespaced("apps/v1", "Deployment", "n", "d"),
            "/apis/apps/v1/namespaces/n/deployments/d",
        ),
        (
            ObjectRef::namespaced("networking.k8s.io/v1", "Ingress", "n", "i"),
            "/apis/networking.k8s.io/v1/namespaces/n/ingresses/i",
        ),
        (
            ObjectRef::namespaced("networking.k8s.io/v1", "NetworkPolicy", "n", "p"),
            "/apis/networking.k8s.io/v1/namespaces/n/networkpolicies/p",
        ),
        (
            ObjectRef::cluster_wide("storage.k8s.io/v1", "StorageClass", "s"),
            "/apis/storage.k8s.io/v1/storageclasses/s",
        ),
        (
            ObjectRef::cluster_wide("cert-manager.io/v1", "ClusterIssuer", "i"),
            "/apis/cert-manager.io/v1/clusterissuers/i",
        ),
    ] {
        assert_eq!(reference.path(), path);
    }
}

#[test]
fn a_document_shows_a_mask_until_it_is_resolved() {
    let source = SecretSource::Password { password: Password::Generate, stored_in: None };
    let document =
        Document::new(json!({ "a": { "b": 1 } })).secret("/a/key", source.clone()).secret("/top", source);
    assert_eq!(document.masked(), json!({ "a": { "b": 1, "key": "********" }, "top": "********" }));
    let mut count = 0;
    let resolved = document.resolved(|_| {
        count += 1;
        Ok::<_, ()>(Secret::new(format!("secret-{count}")))
    });
    assert_eq!(resolved, Ok(json!({ "a": { "b": 1, "key": "secret-1" }, "top": "secret-2" })));
    assert!(document.resolved(|_| Err::<Secret, _>("locked")).is_err());
}
