/// Certificates and a key for tests only, made with openssl. They protect nothing: the key is public by being here.
public enum TestCertificates {
    /// The authority behind the others, valid from 2020 to 2120.
    public static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBaTCCAQ+gAwIBAgIBATAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBQZW5zdG9j
        ayB0ZXN0IENBMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAbMRkw
        FwYDVQQDDBBQZW5zdG9jayB0ZXN0IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
        QgAEAZvGUI7gXAu0q99SbFNHwDl1O47U6P2o74ugbzaCxOP5zEoXcBfXBNdAfgs7
        TOxBBSs7p6ZCXR7NFI14XBfgdKNCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8B
        Af8EBAMCAgQwHQYDVR0OBBYEFLmfYSPGLzX4DgOI2XwSO5hXPsPXMAoGCCqGSM49
        BAMCA0gAMEUCIF9RTuN0LmYqPr6kj6PakkyNF6pox7KcJ27f8bmYiIunAiEAlkPb
        0LBrb0MmesNgaJjAk4x0B/1/zF+Ww3z+hye0Jk8=
        -----END CERTIFICATE-----
        """

    /// For `provider.test`, `*.wild.test` and 127.0.0.1, valid from 2020 to 2120.
    public static let server = """
        -----BEGIN CERTIFICATE-----
        MIIBtTCCAVugAwIBAgIBAjAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBQZW5zdG9j
        ayB0ZXN0IENBMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYw
        FAYDVQQDDA1wcm92aWRlci50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
        w3dOZH8xaVaXLs709YcZhpN5GRLxrlJVGzJwhqoSRJFLBIixuTH7iGDNfcPkJKSV
        E49ARKV1NhpjFaQ9Q847KKOBkDCBjTArBgNVHREEJDAigg1wcm92aWRlci50ZXN0
        ggsqLndpbGQudGVzdIcEfwAAATAJBgNVHRMEAjAAMBMGA1UdJQQMMAoGCCsGAQUF
        BwMBMB0GA1UdDgQWBBQa6jeAD5qYfv9QeoUo6ZzSopTZ/TAfBgNVHSMEGDAWgBS5
        n2Ejxi81+A4DiNl8EjuYVz7D1zAKBggqhkjOPQQDAgNIADBFAiBwgDrFKldt6oeu
        XN9bSwxHOC8ku1Xcfv+uXG9YWvKC5gIhALVF4NvJvLV9FTLKDAQCg1StA91KQt+c
        5DmDaFeiJiW1
        -----END CERTIFICATE-----
        """

    /// The same names and key; it was valid in the year 2020.
    public static let expired = """
        -----BEGIN CERTIFICATE-----
        MIIBtDCCAVmgAwIBAgIBAzAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBQZW5zdG9j
        ayB0ZXN0IENBMB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEwMTAwMDAwMFowGDEWMBQG
        A1UEAwwNcHJvdmlkZXIudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMN3
        TmR/MWlWly7O9PWHGYaTeRkS8a5SVRsycIaqEkSRSwSIsbkx+4hgzX3D5CSklROP
        QESldTYaYxWkPUPOOyijgZAwgY0wKwYDVR0RBCQwIoINcHJvdmlkZXIudGVzdIIL
        Ki53aWxkLnRlc3SHBH8AAAEwCQYDVR0TBAIwADATBgNVHSUEDDAKBggrBgEFBQcD
        ATAdBgNVHQ4EFgQUGuo3gA+amH7/UHqFKOmc0qKU2f0wHwYDVR0jBBgwFoAUuZ9h
        I8YvNfgOA4jZfBI7mFc+w9cwCgYIKoZIzj0EAwIDSQAwRgIhAKSrCxfsSvbbIqCt
        PtS3zU8e3qrJOYYXRCcv4FUNpwljAiEAvkC2okxxxBO/mYeO4YNjWXdLfIU8L8bJ
        vX3iPqsrZjQ=
        -----END CERTIFICATE-----
        """

    /// The private key of both server certificates. TEST ONLY.
    public static let serverKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQga4RKjdPjO9hiipF/
        VqQi4yHq9ZM9RQALwd9pbx4MjkyhRANCAATDd05kfzFpVpcuzvT1hxmGk3kZEvGu
        UlUbMnCGqhJEkUsEiLG5MfuIYM19w+QkpJUTj0BEpXU2GmMVpD1Dzjso
        -----END PRIVATE KEY-----
        """

    /// Another authority, for clients, valid from 2020 to 2120.
    public static let clientAuthority = """
        -----BEGIN CERTIFICATE-----
        MIIBeDCCAR2gAwIBAgIBATAKBggqhkjOPQQDAjAiMSAwHgYDVQQDDBdQZW5zdG9j
        ayB0ZXN0IGNsaWVudCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAw
        MFowIjEgMB4GA1UEAwwXUGVuc3RvY2sgdGVzdCBjbGllbnQgQ0EwWTATBgcqhkjO
        PQIBBggqhkjOPQMBBwNCAAQlNyhjNPUjnL6z6G/LHrh5Fag8o/f/r064JXjtjn4F
        7xWV0e9DqLEzbsLmeQ9jnZ4lmUv1FciIcvLeodTyhlV3o0IwQDAPBgNVHRMBAf8E
        BTADAQH/MA4GA1UdDwEB/wQEAwICBDAdBgNVHQ4EFgQU4e/JkJl0Hh/qJki8NkMD
        7zRtjUYwCgYIKoZIzj0EAwIDSQAwRgIhAJd36QAYhDWgebhFxH6VwxaMC1u/qm/I
        9GtkYXKd/6RtAiEAnQRk8F5bRbh2MfCzooMAoAJc3bXRdPXsf9JG6MFe6c0=
        -----END CERTIFICATE-----
        """

    /// A client: CN ci of O "Penstock tests"; ci.test, spiffe://test/ci and ci@example.test. Valid from 2020 to 2120.
    public static let client = """
        -----BEGIN CERTIFICATE-----
        MIIBqDCCAU6gAwIBAgIBAjAKBggqhkjOPQQDAjAiMSAwHgYDVQQDDBdQZW5zdG9j
        ayB0ZXN0IGNsaWVudCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAw
        MFowJjEXMBUGA1UECgwOUGVuc3RvY2sgdGVzdHMxCzAJBgNVBAMMAmNpMFkwEwYH
        KoZIzj0CAQYIKoZIzj0DAQcDQgAEHo/hRsg3jWDBbooKlt0mBFskEiNX5Sw7GX9P
        x8AS7a7oHzIFRPQ/cChpD3Li8oGk8kEg7e8X/COHsGdZGt5Hy6NvMG0wNQYDVR0R
        BC4wLIIHY2kudGVzdIYQc3BpZmZlOi8vdGVzdC9jaYEPY2lAZXhhbXBsZS50ZXN0
        MBMGA1UdJQQMMAoGCCsGAQUFBwMCMB8GA1UdIwQYMBaAFOHvyZCZdB4f6iZIvDZD
        A+80bY1GMAoGCCqGSM49BAMCA0gAMEUCIARi7AfKZi2eUt9uq3g4RZ5dd8cra5mO
        AMTNp6AXnnwPAiEA7MVDlLRQ27MAm0OeZhz3rAFQ1xr8AqRNqSwWliMOdNA=
        -----END CERTIFICATE-----
        """

    /// The private key of the client certificate. TEST ONLY.
    public static let clientKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQJlZWerh12/qRt60
        RTbY+eRZUnrGgnH+5cc0UB7FCtmhRANCAAQej+FGyDeNYMFuigqW3SYEWyQSI1fl
        LDsZf0/HwBLtrugfMgVE9D9wKGkPcuLygaTyQSDt7xf8I4ewZ1ka3kfL
        -----END PRIVATE KEY-----
        """
}
